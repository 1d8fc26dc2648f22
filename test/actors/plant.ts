import { NEVER } from 'rxjs';
import { Actor } from '../../lib/actors/actor.js';
import type { Spawn } from '../../lib/actors/behavior.js';
import { spawnBelow } from '../../lib/actors/spawn.js';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { CountingMeter } from '../../lib/adapters/system/counting-meter.js';
import { limits } from '../../lib/core/limits.js';
import { DeadlineWheel } from '../../lib/operators/deadline-wheel.js';
import { RecordingLogger } from '../recording-logger.js';

/** Chance that makes every wait the shortest. */
class NoChance extends SeededRandom {
  override next(): number {
    return 0;
  }
}

export interface Plant {
  readonly clock: VirtualClock;
  readonly logger: RecordingLogger;
  readonly root: Actor;
  /** As a node's, below its `user` branch. */
  readonly spawn: Spawn;
  /** What has been counted, by name. */
  readonly count: (name: string) => number;
  /** Until all that happens at this instant has. */
  readonly settle: () => Promise<void>;
}

/** A tree in virtual time whose waits are the shortest that chance allows. */
export const plant = (): Plant => {
  const clock = new VirtualClock({ epochMs: 0 });
  const logger = new RecordingLogger();
  const meter = new CountingMeter();
  const wheel = new DeadlineWheel(clock, limits.wheelTickMs);
  const root = Actor.root('node', { clock, random: new NoChance(0), logger, meter, wheel, timeoutMs: 5_000 });
  const user = root.spawn('user', () => NEVER);
  return {
    clock,
    logger,
    root,
    spawn: spawnBelow(user),
    count: (name) => meter.read().get(name) ?? 0,
    settle: () => clock.advance(0),
  };
};
