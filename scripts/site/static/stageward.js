// Whoever has no mouse scrolls what is wider than the window by the keyboard: so it takes the focus.
for (const one of document.querySelectorAll(".highlight > pre, .table-wrapper")) {
  if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
}
