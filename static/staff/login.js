/** The way in: e-mail address and password. */
import { h, mark } from "../widget/dom.js";

/** @type {(session: Staff.Session, why: string, done: () => void) => HTMLElement} */
export const makeLogin = (session, why, done) => {
  const email = h("input", { type: "email", name: "email", autocomplete: "username", required: true });
  const password = h("input", { type: "password", name: "password", autocomplete: "current-password", required: true });
  const keep = h("input", { type: "checkbox", name: "keep" });
  const submit = h("button", { class: "main" }, "Sign in");
  const problem = h("p", { class: "problem", role: "alert" }, why);
  const form = h("form", { class: "login-card stack" },
    h("div", { class: "logo" }, mark()),
    h("h1", null, "Switchboard"),
    h("p", { class: "dim" }, "Sign in to the support desk."),
    h("label", null, "E-mail", email),
    h("label", null, "Password", password),
    h("label", { class: "check" }, keep, "Keep me signed in on this device"),
    problem,
    submit);
  form.onsubmit = async (event) => {
    event.preventDefault();
    submit.ariaDisabled = "true";
    submit.textContent = "Signing in";
    problem.textContent = "";
    try {
      await session.login(email.value.trim(), password.value, keep.checked);
      done();
    } catch (error) {
      const wait = error.data?.retry_after_ms;
      problem.textContent = wait ? `${error.message} Try again in ${Math.ceil(wait / 1000)} seconds.` : error.message;
      password.select();
    }
    submit.ariaDisabled = "false";
    submit.textContent = "Sign in";
  };
  queueMicrotask(() => email.focus());
  return h("main", { class: "login" }, form);
};
