"""The pages, for people: rendered here, without a script, and without anything of another host."""
