/** Version of the protocol between controller and agent. Add a line for each number; never change
 * an old one.
 *
 * 1 (2026-11-24) enrolment, signed desired state, full reports, `wake` over socket.io.
 * 2 (2026-11-24) rules beside the desired state; the agent decides by them before it opens a
 * session.
 * 3 (2026-11-24) files and printed pages of sessions. */
export const PROTOCOL = 3;
