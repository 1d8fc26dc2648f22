import type { SchedulerLike } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { expect } from 'vitest';

export interface Marbles extends RunHelpers {
  /** Virtual time, as operators take it: one frame of a diagram is one ms, and it starts at 0. */
  readonly clock: SchedulerLike;
}

/** Plays marble diagrams in virtual time; what was expected is compared once the play is over. */
export const marbles = (play: (marbles: Marbles) => void): void => {
  const clock = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  clock.run((helpers) => {
    play({ ...helpers, clock });
  });
};
