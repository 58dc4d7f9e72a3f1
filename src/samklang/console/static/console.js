// Keeps the start page fresh: fetches its middle again every ten seconds while the page is looked at.
const place = document.querySelector("[data-refresh]");
if (place) {
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(place.dataset.refresh + location.search);
      if (answer.ok) place.innerHTML = await answer.text();
    } catch {
      // The hub is away for a moment; the next round will tell.
    }
  }, 10000);
}
