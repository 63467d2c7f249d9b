"use strict";
// One audio element plays a whole recording, or exactly the seconds that a piece of evidence cites.
window.player = (() => {
  let audio;
  let recording = "";
  let track = "";
  let until = null;
  let cited = null;

  const text = (seconds) => {
    const tenths = Math.max(0, Math.round(seconds * 10));
    return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
  };

  const section = () =>
    [...document.querySelectorAll(".recording")].find((each) => each.dataset.recording === recording);

  const draw = () => {
    for (const each of document.querySelectorAll(".recording")) {
      const mine = each.dataset.recording === recording;
      each.classList.toggle("playing", mine && !audio.paused);
      each.querySelector(".play").textContent = mine && !audio.paused ? "❚❚" : "▶";
      if (!mine) continue;
      const head = each.querySelector(".head");
      head.setAttribute("x1", audio.currentTime);
      head.setAttribute("x2", audio.currentTime);
      each.querySelector(".at").textContent = text(audio.currentTime);
      const mark = each.querySelector(".cited");
      mark.setAttribute("x", cited ? cited.start : 0);
      mark.setAttribute("width", cited ? cited.end - cited.start : 0);
    }
    for (const each of document.querySelectorAll(".utterance")) {
      const here = !cited && each.dataset.recording === recording && !audio.paused &&
        audio.currentTime >= Number(each.dataset.start) && audio.currentTime < Number(each.dataset.end);
      const meant = cited !== null && each.dataset.utterance === cited.utterance;
      each.classList.toggle("spoken", here);
      each.classList.toggle("meant", meant);
    }
    for (const each of document.querySelectorAll(".evidence")) {
      each.classList.toggle("meant", cited !== null && cited.key === key(each));
    }
  };

  const key = (element) => [element.dataset.recording, element.dataset.track, element.dataset.start, element.dataset.end].join(" ");

  const watch = () => {
    // timeupdate comes four times a second: too coarse to stop at the cited end.
    if (until !== null && audio.currentTime >= until) {
      audio.pause();
      audio.currentTime = until;
      until = null;
    }
    draw();
    if (!audio.paused) requestAnimationFrame(watch);
  };

  const load = (wantedRecording, wantedTrack) => {
    if (recording === wantedRecording && track === wantedTrack && !audio.error) return Promise.resolve();
    recording = wantedRecording;
    track = wantedTrack;
    audio.src = `/api/v1/recordings/${encodeURIComponent(recording)}/audio?track=${encodeURIComponent(track)}`;
    return new Promise((done, failed) => {
      audio.addEventListener("loadedmetadata", done, { once: true });
      audio.addEventListener("error", failed, { once: true });
    });
  };

  const play = async (wantedRecording, wantedTrack, start, end) => {
    audio.pause();
    try {
      await load(wantedRecording, wantedTrack);
    } catch {
      const place = section();
      if (place && !place.querySelector(".reason")) {
        const note = document.createElement("p");
        note.className = "reason";
        note.textContent = "录音无法播放。The recording cannot be played.";
        place.append(note);
      }
      return;
    }
    audio.currentTime = start;
    until = end;
    // Who pauses before the first sound has come is no fault.
    await audio.play().catch((why) => {
      if (why.name !== "AbortError") throw why;
    });
    requestAnimationFrame(watch);
  };

  const cite = (element) => {
    const { recording: of, track: on, start, end, utterance } = element.dataset;
    cited = { start: Number(start), end: Number(end), utterance, key: key(element) };
    draw();
    document.getElementById(`utterance-${utterance}`)?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    return play(of, on, cited.start, cited.end);
  };

  const toggle = () => {
    if (!audio.paused) return audio.pause();
    const place = section() ?? document.querySelector(".recording");
    return place ? whole(place.dataset.recording, null) : undefined;
  };

  const whole = (wantedRecording, at) => {
    cited = null;
    until = null;
    const same = wantedRecording === recording;
    const from = at ?? (same && !audio.ended ? audio.currentTime : 0);
    return play(wantedRecording, "mixed", from, null);
  };

  const stop = () => {
    audio.pause();
    cited = null;
    until = null;
    draw();
  };

  document.addEventListener("DOMContentLoaded", () => {
    audio = document.getElementById("audio");
    audio.addEventListener("pause", draw);
    audio.addEventListener("seeked", draw);
    document.addEventListener("click", (event) => {
      const source = event.target.closest(".cite");
      const lanes = event.target.closest(".lanes");
      const place = event.target.closest(".recording");
      const word = event.target.closest(".word");
      if (word) {
        whole(word.closest(".utterance").dataset.recording, Number(word.dataset.at));
      } else if (source) {
        cite(source.dataset.start === undefined ? source.parentElement : source);
      } else if (lanes) {
        const box = lanes.getBoundingClientRect();
        whole(place.dataset.recording, ((event.clientX - box.left) / box.width) * Number(place.dataset.duration));
      } else if (event.target.closest(".play")) {
        if (recording === place.dataset.recording && !audio.paused) audio.pause();
        else whole(place.dataset.recording, null);
      }
    });
  });

  return { toggle, stop, redraw: () => audio && draw() };
})();
