/** What controller and agent speak to each other. Add a line for each number; never change an old one.
 *
 *  1 (2026-11-24) enrolment, signed desired state, full reports, `wake` over socket.io. */
export const PROTOCOL = 1;
