import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { Refusals } from '../../lib/adapters/zmtp/refusals.js';
import { RecordingLogger } from '../recording-logger.js';

describe('Refusals', () => {
  it('names one peer every ten seconds at the most, and counts the others', async () => {
    const clock = new VirtualClock();
    const logger = new RecordingLogger();
    const refusals = new Refusals(clock, logger);
    for (const peer of ['a', 'b', 'c']) refusals.tell(peer, 'it speaks HTTP');
    await clock.advance(9_999);
    refusals.tell('d', 'it is silent');
    await clock.advance(1);
    refusals.tell('e', 'it is silent');
    expect(logger.lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { peer: 'a', reason: 'it speaks HTTP', othersBefore: 0 }],
      ['warn', { peer: 'e', reason: 'it is silent', othersBefore: 3 }],
    ]);
  });
});
