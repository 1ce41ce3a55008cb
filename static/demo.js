/** The demo page: departures that are always about to leave, questions that fill the desk's field, and the tag to copy. */

const chat = document.querySelector("switchboard-chat");
// A phone would see nothing of the page but the sheet.
if (chat && matchMedia("(min-width: 1060px)").matches) chat.open = true;

for (const button of document.querySelectorAll(".asks button")) {
  button.addEventListener("click", () => chat?.compose(button.textContent ?? ""));
}

/** Minutes from now, harbour, boat, status. @type {[number, string, string, string][]} */
const departures = [
  [12, "Skerry", "Petrel", "On time"],
  [47, "Oxna", "Old Tern", "On time"],
  [78, "Outer Hamar", "Petrel", "10 min late"],
  [132, "Skerry", "Fulmar", "On time"],
];
document.getElementById("departures")?.append(
  ...departures.map(([minutes, to, boat, status]) => {
    const quarter = 5 * 60_000;
    const at = new Date(Math.ceil((Date.now() + minutes * 60_000) / quarter) * quarter);
    const row = document.createElement("tr");
    row.className = status === "On time" ? "" : "late";
    const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    for (const text of [time, to, boat, status]) row.insertCell().textContent = text;
    return row;
  }),
);

const tag = document.getElementById("tag");
const copy = document.getElementById("copy");
if (tag && copy) {
  tag.textContent = `<script type="module" src="${new URL("widget.js", import.meta.url)}"></script>`;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(tag.textContent ?? "");
      copy.textContent = "Copied";
    } catch {
      // Without leave to write, at least it is selected.
      getSelection()?.selectAllChildren(tag);
    }
  });
}
