// The few things that pages do in the browser beside htmx: look, dialogs, messages that go, "all" boxes, keys.
const root = document.documentElement;
const year = 31536000;

function look(name) {
  if (name === "auto") delete root.dataset.look; else root.dataset.look = name;
  document.cookie = `look=${name}; path=/; max-age=${name === "auto" ? 0 : year}; samesite=lax`;
  for (const button of document.querySelectorAll("[data-look-to]")) {
    button.setAttribute("aria-pressed", String(button.dataset.lookTo === name));
  }
}

document.addEventListener("click", (event) => {
  const at = event.target.closest("[data-look-to], [data-opens], [data-closes], [data-all], [data-forget], [data-copies]");
  if (!at) {
    for (const open of document.querySelectorAll("details.drop[open]")) if (!open.contains(event.target)) open.open = false;
    if (event.target.matches("dialog")) event.target.close(); // beside the dialog
    return;
  }
  if (at.dataset.lookTo) look(at.dataset.lookTo);
  else if (at.dataset.opens) {
    const dialog = document.getElementById(at.dataset.opens);
    for (const input of dialog?.querySelectorAll("input[type=hidden]") ?? []) { // what the button is about
      if (input.name in at.dataset) input.value = at.dataset[input.name];
    }
    at.closest("details.drop")?.removeAttribute("open");
    dialog?.showModal();
    const first = dialog?.querySelector(":is(input:not([type=hidden]), textarea, select)") ?? dialog?.querySelector("footer [data-closes]");
    first?.focus(); // what is asked, or the way back: not the cross
  }
  else if ("closes" in at.dataset) at.closest("dialog")?.close();
  else if ("forget" in at.dataset) at.closest(".message")?.remove();
  else if (at.dataset.copies) navigator.clipboard?.writeText(document.getElementById(at.dataset.copies)?.textContent.trim() ?? "");
  else if (at.dataset.all) {
    for (const box of document.getElementsByName(at.dataset.all)) box.checked = at.checked;
    counted(at.form);
  }
});

// A form with [data-counts] says how many boxes are ticked, and its bar shows when there are any.
function counted(form) {
  if (!form) return;
  const boxes = form.querySelectorAll("input[type=checkbox][name]:checked").length;
  for (const place of form.querySelectorAll("[data-counts]")) place.textContent = String(boxes);
  for (const bar of form.querySelectorAll(".bulk")) bar.hidden = boxes === 0;
}
document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=checkbox][name]")) counted(event.target.form);
  if (event.target.matches("[data-sends]")) event.target.form?.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector("main [type=search]") ?? document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
  if (event.key === "Escape") {
    const open = event.target.closest("details.drop[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  }
});

// A menu in a table that scrolls would be cut off at the table's edge: it stands over the page instead, and follows.
function placed(drop) {
  const at = drop.getBoundingClientRect(), menu = drop.lastElementChild;
  if (at.bottom < 0 || at.top > innerHeight) { drop.open = false; return; }
  Object.assign(menu.style, { position: "fixed", right: "auto", bottom: "auto" });
  const below = at.bottom + 6, high = menu.offsetHeight;
  menu.style.left = `${Math.max(Math.min(at.right, innerWidth - 8) - menu.offsetWidth, 8)}px`;
  menu.style.top = `${Math.max(below + high > innerHeight ? at.top - 6 - high : below, 8)}px`;
}
const CUT = ".scroll details.drop[open]";
document.addEventListener("toggle", (event) => { if (event.target.matches?.(CUT)) placed(event.target); }, true);
document.addEventListener("scroll", () => document.querySelectorAll(CUT).forEach(placed), { capture: true, passive: true });

// What refreshes itself rests while nobody looks, or while a menu or dialog in it is open.
document.addEventListener("htmx:beforeRequest", (event) => {
  const place = event.detail.elt.closest("[data-quiet]");
  if (place && (document.hidden || place.querySelector("dialog[open], details.drop[open], :focus-visible"))) event.preventDefault();
});

// A part that could not be fetched says so once, instead of nothing.
document.addEventListener("htmx:afterRequest", (event) => {
  const quiet = event.detail.elt?.closest?.("[data-quiet]"); // refreshes itself; the next round will tell
  if (event.detail.failed && !quiet && !event.detail.xhr?.responseText) {
    const told = document.getElementById("lost");
    if (told) document.getElementById("toasts")?.append(told.content.cloneNode(true));
  }
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) { event.detail.shouldSwap = true; event.detail.isError = false; } // a form with errors
});

// The menu may be longer than the window, tabs wider: where one is can be seen.
document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest" });
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
