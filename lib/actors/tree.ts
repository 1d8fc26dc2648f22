import { limits } from '../core/limits.js';
import { DeadlineWheel } from '../operators/deadline-wheel.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Meter } from '../ports/meter.js';
import type { Random } from '../ports/random.js';
import { Turns } from './turns.js';

export interface ActorPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter?: Meter;
  /** Where the deadlines of what actors are asked stand; by default a wheel of the tree's own. */
  readonly wheel?: DeadlineWheel;
  /** How long an actor that is asked has, where the question does not say; default `limits.timeoutMs`. */
  readonly timeoutMs?: number;
}

/** What all actors of one tree share. */
export interface Tree extends Required<Omit<ActorPorts, 'meter'>> {
  readonly turns: Turns;
  readonly count: (name: string, by?: number) => void;
}

/** The shared part of a new tree. */
export const grow = ({ meter, ...ports }: ActorPorts): Tree => ({
  ...ports,
  wheel: ports.wheel ?? new DeadlineWheel(ports.clock, limits.wheelTickMs),
  timeoutMs: ports.timeoutMs ?? limits.timeoutMs,
  turns: new Turns(ports.clock),
  count: (name, by = 1) => {
    if (meter) meter.counter(name).total += by;
  },
});
