import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { bufferTime, debounceTime, filter, from, groupBy, mergeMap, type Observable } from 'rxjs';
import { type Answer, mergeBounded, type Request } from 'skein';
import { Unwritable } from './contract.js';

type Append = Request<{ journal: string; line: string }, number>;

/** How long a line waits for others to share its write, in ms, and how many lines one write takes. */
const gatherMs = 5;
const linesMax = 100;
/** A journal that nobody writes to for so long, in ms, is forgotten. */
const idleMs = 10_000;

/** Keeps one file for each journal in a folder. */
export class JournalFolder {
  readonly #folder: string;
  readonly #lengths = new Map<string, number>();
  writes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All requests to append: gathered by journal, with one write for each batch and one write at a time for each journal. */
  readonly append = (request$: Observable<Append>): Observable<Answer<number>> =>
    request$.pipe(
      groupBy(({ input }) => input.journal, { duration: (journal$) => journal$.pipe(debounceTime(idleMs)) }),
      mergeMap((journal$) =>
        journal$.pipe(
          bufferTime(gatherMs, undefined, linesMax),
          filter((batch) => batch.length > 0),
          mergeBounded(1, (batch) => this.#write(journal$.key, batch)),
        ),
      ),
      mergeMap((answers) => from(answers)),
    );

  /** One answer for each request; a write that fails is the failure of its requests, and of no others. */
  async #write(journal: string, batch: readonly Append[]): Promise<Answer<number>[]> {
    // Who has given up meanwhile gets no line.
    const wanted = batch.filter(({ context }) => !context.signal.aborted);
    const before = this.#lengths.get(journal) ?? 0;
    try {
      await using file = await open(join(this.#folder, `${journal}.log`), 'a');
      await file.appendFile(wanted.map(({ input }) => `${input.line}\n`).join(''));
      await file.sync();
    } catch (cause) {
      return wanted.map((request) => request.fail(new Unwritable({ file: `${journal}.log` }, { cause })));
    }
    this.writes += 1;
    this.#lengths.set(journal, before + wanted.length);
    return wanted.map((request, index) => request.reply(before + index + 1));
  }
}
