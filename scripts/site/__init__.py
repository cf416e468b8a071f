"""The site of the documents: `python -m scripts.site OUT` builds it, offline.

Its pages are the documents of the project, as GitHub shows them, and a reference that is made of
the code. So that a link means the same on both, `pages` finds what the documents link to, also
outside `docs`, and takes it along: documents and texts as pages, folders as lists, all else to be
downloaded. `sphinx_site` turns that into HTML, `built` reads the HTML again.

Whatever is wrong fails the build: a link or an anchor that leads nowhere, a page on no list of
`navigation`, a picture that no page shows, an address that would be asked of another host.
"""
