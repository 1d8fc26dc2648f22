/** What the way from one host to another does to what travels on it. */
export interface Route {
  /** While true, nothing arrives; what is under way waits for the end of it. */
  readonly isCut: boolean;
  /** How long one message takes, in ms; asked for each. */
  delayMs(): number;
  /** Whether a message gets lost; asked for each. */
  loses(): boolean;
}

/** Everything arrives at once. */
export const straightRoute: Route = { isCut: false, delayMs: () => 0, loses: () => false };
