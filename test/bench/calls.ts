import { callPayload, type Figures } from './messages.js';
import { Pace } from './pace.js';

/** Keeps `window` calls under way for so long; each reply is looked at. */
export const callFor = async (
  window: number,
  seconds: number,
  call: (payload: typeof callPayload) => PromiseLike<typeof callPayload>,
): Promise<Figures> => {
  const pace = new Pace(seconds);
  const lane = async (): Promise<void> => {
    while (!pace.isOver) {
      const id = pace.start();
      const { a, b } = await call(callPayload);
      if (a !== callPayload.a || b !== callPayload.b) throw new Error('a wrong reply');
      pace.finish(id);
    }
  };
  await Promise.all(Array.from({ length: window }, lane));
  return pace.figures();
};
