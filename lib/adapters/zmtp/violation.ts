/** What a peer said that ZMTP does not allow, or that is more than it may say. */
export class Violation extends Error {}
