"use strict";
document.documentElement.classList.add("scripted");
document.addEventListener("click", (event) => {
  const button = event.target.closest(".copy");
  if (!button) return;
  const said = document.getElementById("said");
  const select = () => getSelection().selectAllChildren(button.previousElementSibling);
  const done = (text) => { button.textContent = text; said.textContent = text; };
  if (!navigator.clipboard) { select(); done("Selected"); return; }
  navigator.clipboard.writeText(button.dataset.copy).then(() => done("Copied"), () => { select(); done("Selected"); });
});
addEventListener("hashchange", () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
});
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details.check")) part.open = true;
});
