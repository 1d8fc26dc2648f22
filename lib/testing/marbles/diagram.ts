import { invalidArgument } from '../../core/errors.js';

/** What stands at one instant of a diagram. */
export type Mark =
  | { readonly kind: 'next'; readonly token: string }
  /** With the error's name, where the diagram gives one: `#closed`. */
  | { readonly kind: 'error'; readonly token: string | undefined }
  | { readonly kind: 'complete' | 'subscribe' | 'unsubscribe' };

/** A mark, and when it comes: `gapMs` after the mark before it (or the start), or up to `withinMs` later. */
export interface Step {
  readonly mark: Mark;
  readonly gapMs: number;
  readonly withinMs: number;
}

const msOf: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `200ms`, `5s`, `1.5m` or `2h` in ms; undefined for any other text. */
export const durationMs = (text: string): number | undefined => {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const unitMs = msOf[unit];
  return unitMs === undefined ? undefined : Number(number) * unitMs;
};

/** What can stand in a diagram, in the order in which it is looked for; `word` stands alone between spaces and parentheses. */
const lexeme = /(?<space>\s+)|(?<word>(?<=^|[\s(])(?:#[A-Za-z][\w-]*|[^\s()|^!#-]+)(?=$|[\s)]))|(?<sign>.)/gsu;

interface Lexeme {
  readonly at: number;
  readonly text: string;
  readonly kind: 'word' | 'sign';
}

const lex = (text: string): readonly Lexeme[] =>
  [...text.matchAll(lexeme)].flatMap(({ index, groups = {}, 0: found }) => {
    if (groups.space !== undefined) return [];
    // Between parentheses, with no space on either side, letters are one value each.
    const isLone = groups.word !== undefined && !(text[index - 1] === '(' && text[index + found.length] === ')');
    if (isLone || found.length === 1) return [{ at: index, text: found, kind: isLone ? ('word' as const) : ('sign' as const) }];
    return Array.from(found, (sign, i) => ({ at: index + i, text: sign, kind: 'sign' as const }));
  });

/**
 * Reads a diagram. `-` is 1 ms, and so is each mark, unless a pause follows it: `5s` or `200ms` between spaces is the time from
 * the mark before it. `|` completes, `#` errors (`#name` says with what), `^` subscribes and `!` unsubscribes. All else are values:
 * a word between spaces is one value, and letters among other signs are one each, as in `-a-b`. What stands in parentheses is at
 * one instant: `(ab|)`, `(one two)`. `within 3s` before a mark lets it come up to that much later. Spaces take no time.
 * Throws `invalid-argument` that shows the place.
 */
export const readDiagram = (text: string): readonly Step[] => {
  if (typeof text !== 'string') throw invalidArgument('a diagram is a text, such as "a 5s b |"');
  return new Reader(text).read();
};

class Reader {
  readonly #text: string;
  readonly #steps: Step[] = [];
  #gapMs = 0;
  #withinMs = 0;
  /** Whether the mark before still has its own ms to come. */
  #isBehindMark = false;
  /** Where the parenthesis that is open stands, and how many marks there were before it. */
  #group: { readonly at: number; readonly marks: number } | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly Step[] {
    const all = lex(this.#text);
    for (let i = 0; i < all.length; i += 1) {
      const lexeme = all[i] as Lexeme;
      if (lexeme.kind === 'word' && lexeme.text === 'within') this.#allow(lexeme, all[(i += 1)]);
      else this.#readOne(lexeme);
    }
    if (this.#group) throw this.#wrong('this parenthesis is not closed', this.#group.at);
    if (this.#withinMs > 0) throw this.#wrong('a mark must stand behind "within" and its time', this.#text.length);
    return this.#steps;
  }

  #readOne({ text, kind, at }: Lexeme): void {
    const pauseMs = kind === 'word' ? durationMs(text) : undefined;
    if (pauseMs !== undefined) this.#pass(pauseMs, at);
    else if (text === '-') this.#pass(this.#isBehindMark ? 2 : 1, at);
    else if (text === '(') this.#open(at);
    else if (text === ')') this.#close(at);
    else this.#mark(markOf(text));
  }

  #allow({ at }: Lexeme, next: Lexeme | undefined): void {
    const withinMs = durationMs(next?.text ?? '');
    if (withinMs === undefined) throw this.#wrong('a time must stand behind "within", such as "within 3s"', at);
    if (this.#withinMs > 0) throw this.#wrong('a mark must stand between two "within"', at);
    this.#withinMs = withinMs;
    this.#isBehindMark = false;
  }

  #pass(ms: number, at: number): void {
    if (this.#group) throw this.#wrong('no time passes in parentheses', at);
    this.#gapMs += ms;
    this.#isBehindMark = false;
  }

  #open(at: number): void {
    if (this.#group) throw this.#wrong('parentheses cannot stand in parentheses', at);
    if (this.#isBehindMark) this.#pass(1, at);
    this.#group = { at, marks: this.#steps.length };
  }

  #close(at: number): void {
    if (!this.#group) throw this.#wrong('no parenthesis is open here', at);
    if (this.#group.marks === this.#steps.length) throw this.#wrong('nothing stands in these parentheses', at);
    this.#group = undefined;
    this.#isBehindMark = true;
  }

  #mark(mark: Mark): void {
    if (this.#isBehindMark) this.#gapMs += 1;
    this.#steps.push({ mark, gapMs: this.#gapMs, withinMs: this.#withinMs });
    this.#gapMs = 0;
    this.#withinMs = 0;
    this.#isBehindMark = !this.#group;
  }

  #wrong(problem: string, at: number): Error {
    return invalidArgument(`${problem}:\n  ${this.#text}\n  ${' '.repeat(at)}^`);
  }
}

const markOf = (text: string): Mark => {
  switch (text) {
    case '|':
      return { kind: 'complete' };
    case '^':
      return { kind: 'subscribe' };
    case '!':
      return { kind: 'unsubscribe' };
    default:
      if (!text.startsWith('#')) return { kind: 'next', token: text };
      return { kind: 'error', token: text === '#' ? undefined : text.slice(1) };
  }
};
