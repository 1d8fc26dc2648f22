import { Random } from '../../ports/random.js';

/** The engine's own chance: for spreading work and waits, not for secrets. */
export class SystemRandom extends Random {
  override next(): number {
    return Math.random();
  }
}
