// How results of the search are ordered: how-to pages first, then topics and the reference; why it
// is built so, and files of the project, last.
var Scorer = {
  score: (result) => {
    const [page, , , , score] = result;
    if (/^(adr|project)\//.test(page)) return score - 40;
    if (/^(start|concepts|ml-professional|risk-officer|auditor|platform-engineer)$/.test(page)) return score + 10;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
