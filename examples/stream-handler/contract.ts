import { call, contract, defineError, typed } from 'skein';

/** The journal takes lines while its disk does. */
export class Unwritable extends defineError('unwritable', typed<{ file: string }>()) {}

/** Appends a line to a journal, and says which line of it that is once it is on the disk. */
export const Journals = contract('journals', '1.0', {
  append: call({
    input: typed<{ journal: string; line: string }>(),
    output: typed<number>(),
    errors: [Unwritable],
    // The more lines wait together, the fewer writes they take.
    concurrency: 1_000,
  }),
});
