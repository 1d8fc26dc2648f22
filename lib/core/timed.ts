/** What can be put on a wheel: it carries its own place in the list of its slot, so that taking it off is free of searching. */
export interface Timed {
  /** When it is due, in epoch ms of the wheel's clock; it may be put off while it is on the wheel. */
  readonly deadline: number;
  /** Of the wheel: neighbours in the slot, and the tick it waits for; 0 while it is on none. */
  earlier: Timed | undefined;
  later: Timed | undefined;
  tick: number;
  /** Called once, at the first tick at or behind the deadline; it is off the wheel then. */
  expire(): void;
}
