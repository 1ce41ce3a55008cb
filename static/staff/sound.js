/** What calls somebody who looks elsewhere: a sound, off until it is allowed, and a number in the title. */

const KEY = "switchboard-staff:sound";
/** Hertz and seconds: a fifth upwards, soft. */
const NOTES = [[587.3, 0], [880, 0.13]];

/** @type {AudioContext | null} */
let audio = null;

export const isSoundOn = () => localStorage.getItem(KEY) === "on";

/** From a click only: before one, browsers play nothing. */
export const setSound = (on = true) => {
  localStorage.setItem(KEY, on ? "on" : "off");
  if (on) ring();
};

export const ring = () => {
  if (!isSoundOn()) return;
  audio ??= new AudioContext();
  audio.resume().catch(() => {});
  for (const [pitch, after] of NOTES) {
    const at = audio.currentTime + after;
    const tone = new OscillatorNode(audio, { type: "sine", frequency: pitch });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.12, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.45);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.5);
  }
};

/** @param {string} page @param {number} waiting */
export const setTitle = (page, waiting) => (document.title = `${waiting ? `(${waiting}) ` : ""}${page} · Switchboard`);
