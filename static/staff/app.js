/**
 * The staff console: signs in, then shows the inbox, the dashboard and the log around one connection.
 *
 * Where one is stands behind the `#` of the address: `#/inbox/VIEW/CONVERSATION`, `#/dashboard`, `#/log`.
 */
import { h } from "../widget/dom.js";
import { openConsole } from "./desk.js";
import { makeLogin } from "./login.js";
import { openSession } from "./session.js";
import { makeShell } from "./shell.js";

const server = new URL("../", import.meta.url);
/** Milliseconds between two tries to go on without a password. */
const AGAIN = 3000;

/** @type {ReturnType<typeof openConsole> | null} */
let desk = null;

const session = openSession(server, () => desk?.renewed(), () => leave("You have signed out in another tab, or were signed out."));

/** To the login. What was half written is kept for whoever signs in again. */
const leave = (why = "") => {
  if (desk) {
    desk.stop();
    desk = null;
    // Timers and listeners of the views end with the page.
    sessionStorage.setItem("switchboard-staff:why", why);
    location.reload();
  } else document.body.replaceChildren(makeLogin(session, why, enter));
};

const enter = () => {
  desk = openConsole(server, session);
  const shell = makeShell(desk, async () => {
    await session.logout();
    leave();
  });
  desk.on("state", () => {
    const { state, error } = /** @type {Staff.Console} */ (desk);
    if (state === "stopped" && /unauthenticated|closed_4502/.test(error?.kind ?? "")) {
      session.logout().then(() => leave("Your session has ended. Please sign in again: what you wrote is kept."));
    }
  });
  document.body.replaceChildren(...shell);
  desk.start();
};

const begin = async () => {
  const why = sessionStorage.getItem("switchboard-staff:why") ?? "";
  sessionStorage.removeItem("switchboard-staff:why");
  if (!session.known) return leave(why);
  try {
    await session.fresh();
    enter();
  } catch (error) {
    if (error.kind === "unauthenticated") return leave("Your session has ended. Please sign in again.");
    document.body.replaceChildren(h("main", { class: "login" }, h("p", { class: "blank", role: "status" }, `${error.message} Trying again.`)));
    setTimeout(begin, error.data?.retry_after_ms ?? AGAIN);
  }
};

begin();
