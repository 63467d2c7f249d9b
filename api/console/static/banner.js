"use strict";
// What is in force for callers' sake, above whatever page shows it: warnings, breaks to end, reserves that are called.
(() => {
  const banner = document.getElementById("banner");
  const LOOK_MILLISECONDS = 5_000;
  const look = async () => {
    const answer = await fetch("/enforcement/banner", { headers: { "HX-Request": "true" } }).catch(() => null);
    // What was shown last stays while the server is away.
    if (!answer?.ok) return;
    const place = document.createElement("template");
    place.innerHTML = await answer.text();
    banner.replaceChildren(...place.content.children);
  };
  look();
  setInterval(look, LOOK_MILLISECONDS);
})();
