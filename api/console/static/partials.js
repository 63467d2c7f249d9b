"use strict";
// Words while they are spoken: a guess in grey at the end of the speaker's column, until the utterance itself arrives.
window.partials = (() => {
  const SETTLE_MILLISECONDS = 1500;
  let source = null;
  let ref = "";

  const talk = () => document.querySelector("#call .talk");
  const shown = (speaker) => talk()?.querySelector(`.partial.${speaker}`);

  const follow = (act) => {
    const place = talk();
    const atEnd = place && place.scrollHeight - place.scrollTop - place.clientHeight < 80;
    act();
    if (atEnd) place.scrollTop = place.scrollHeight;
  };

  const take = ({ recording_id: recording, speaker, start, text }) => {
    if (!["agent", "citizen"].includes(speaker) || !talk()) return;
    const old = shown(speaker);
    if (!text) {
      // Stored now: the utterance itself is on its way, so the words stay until it is here.
      if (old && Number(old.dataset.start) < start) setTimeout(() => old.remove(), SETTLE_MILLISECONDS);
      return;
    }
    const line = document.createElement("div");
    line.className = `utterance partial ${speaker}`;
    line.dataset.recording = recording;
    line.dataset.start = start;
    // Read out only when it is final.
    line.setAttribute("aria-hidden", "true");
    const note = document.createElement("small");
    note.textContent = "识别中 hearing";
    const words = document.createElement("p");
    words.lang = "zh-CN";
    words.textContent = text;
    line.append(note, words);
    follow(() => {
      old?.remove();
      talk().append(line);
    });
  };

  // An utterance that ends after the guess began is what the guess was about.
  const settle = () => {
    for (const guess of document.querySelectorAll("#call .partial")) {
      const speaker = guess.classList.contains("agent") ? "agent" : "citizen";
      const stored = [...document.querySelectorAll(`#call .utterance.${speaker}:not(.partial)`)].some(
        (each) => each.dataset.recording === guess.dataset.recording && Number(each.dataset.end) > Number(guess.dataset.start) + 0.05,
      );
      if (stored) guess.remove();
    }
  };

  const watch = () => {
    const call = document.querySelector("#call .call");
    const wanted = call && "growing" in call.dataset ? call.dataset.ref : "";
    if (wanted === ref) return;
    source?.close();
    ref = wanted;
    source = wanted ? new EventSource(`/api/v1/calls/${encodeURIComponent(wanted)}/live`) : null;
    source?.addEventListener("partial", (event) => take(JSON.parse(event.data)));
  };

  return { watch, settle, follow };
})();
