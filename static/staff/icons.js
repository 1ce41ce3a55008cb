/** Line drawings within 24 by 24, for `icon(...)`. */

export const INBOX = ["M4 13.5 6.5 5h11L20 13.5V19H4z", "M4 13.5h4.5l1.2 2.5h4.6l1.2-2.5H20"];
export const CHART = ["M5 20V10", "M12 20V4", "M19 20v-7"];
export const LIST = ["M8 6h12M8 12h12M8 18h12", "M4 6h.01M4 12h.01M4 18h.01"];
export const SOUND = ["M4 9.5h3.5L12 5.5v13l-4.5-4H4z", "M15.5 9a4 4 0 0 1 0 6", "M18 6.5a8 8 0 0 1 0 11"];
export const MUTE = ["M4 9.5h3.5L12 5.5v13l-4.5-4H4z", "M16 9.5l5 5M21 9.5l-5 5"];
export const THEME = ["M12 3.5a8.5 8.5 0 1 0 0 17z", "M12 3.5a8.5 8.5 0 0 1 0 17"];
export const HELP = ["M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17", "M9.7 9.6c0-3 4.8-2.9 4.6 0c-.1 1.7-2.3 1.9-2.3 3.7", "M12 16.5h.01"];
export const BACK = ["M14.5 5.5 8 12l6.5 6.5"];
export const CLOSE = ["M6.5 6.5l11 11M17.5 6.5l-11 11"];
export const SIDE = ["M4 5h16v14H4z", "M14.5 5v14"];
export const MORE = ["M5.5 12h.01M12 12h.01M18.5 12h.01"];
export const LOCK = ["M6.5 11h11v8.5h-11z", "M9 11V8a3 3 0 0 1 6 0v3"];
export const SEND = ["M12 19V5", "M5.5 11.5 12 5l6.5 6.5"];
export const SPARK = ["M12 4l1.8 5.2L19 11l-5.2 1.8L12 18l-1.8-5.2L5 11l5.2-1.8z", "M18.5 16.5v3M17 18h3"];
export const SLASH = ["M8 20 16 4"];
export const SEARCH = ["M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13", "M15.5 15.5 20 20"];
export const UP = ["M12 19V6", "M6.5 11 12 5.5l5.5 5.5"];
export const DOWN = ["M12 5v13", "M6.5 13l5.5 5.5 5.5-5.5"];
export const CHECK = ["M5 12.5l4.5 4.5L19 7.5"];
export const STAR = ["M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8-4.2-4.1 5.8-.8z"];
