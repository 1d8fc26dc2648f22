import { map, NEVER, type Observable, of } from 'rxjs';
import { expect, expectTypeOf, it } from 'vitest';
import { type ActorRef, type Behavior, type Call, consume, type Node, stateful, type Stream } from '../../lib/index.js';
import { plant } from './plant.js';

const spawn: Node['spawn'] = plant().spawn;

it('infers messages and events from the behaviour', () => {
  const lengths = spawn((message$: Observable<string>) => message$.pipe(map(({ length }) => length)));
  expectTypeOf(lengths).toEqualTypeOf<ActorRef<string, number>>();
  const counter = spawn(
    stateful(
      () => 0,
      (total, n: number) => total + n,
    ),
  );
  expectTypeOf(counter).toEqualTypeOf<ActorRef<number, number>>();
  const looping = spawn(async function* (message$: Stream<Date>) {
    for await (const date of message$) yield date.getTime();
  });
  expectTypeOf(looping).toEqualTypeOf<ActorRef<Date, number>>();
  // @ts-expect-error it takes texts
  void lengths.send(1);
  // @ts-expect-error it takes numbers
  void counter.send('1');
});

it('takes an actor wherever one is wanted that takes less, and whose events are not looked at', () => {
  const wide = spawn((message$: Observable<string | number>) => message$);
  expectTypeOf(wide).toExtend<ActorRef<string>>();
  const narrow = spawn((message$: Observable<string>) => message$);
  // @ts-expect-error it takes no numbers
  const taken: ActorRef<string | number> = narrow;
  taken.stop();
});

it('resumes only what has a state to go on with', () => {
  const adder = stateful(
    () => 0,
    (total, n: number) => total + n,
  );
  spawn(adder, { supervise: 'resume' });
  spawn(adder, { supervise: (error) => (error instanceof RangeError ? 'resume' : 'stop') });
  const piped: Behavior<number, number> = (message$) => message$;
  spawn(piped, { supervise: () => 'restart' });
  expect(() => {
    // @ts-expect-error a pipeline that failed is over
    spawn(piped, { supervise: 'resume' });
  }).toThrow('only what stateful(…) makes can be resumed');
  // @ts-expect-error a pipeline that failed is over
  spawn(piped, { supervise: () => 'resume' });
});

it('knows what an answer is', () => {
  const silence: Behavior<{ reply: (value: number) => void }> = () => NEVER;
  const store = spawn(silence);
  expectTypeOf(store.ask<number>((reply) => ({ reply }))).toEqualTypeOf<Call<number>>();
  // @ts-expect-error the message lacks the reply
  void store.ask<number>(() => ({}));
  // @ts-expect-error it replies numbers
  void store.ask<string>((reply) => ({ reply }));
});

it('keeps demand through consume, and loses it through any other operator', () => {
  const behavior: Behavior<number> = (message$) => {
    expectTypeOf(message$.pipe(consume((n) => of(String(n))))).toEqualTypeOf<Stream<string>>();
    expectTypeOf(
      message$.pipe(
        consume((n) => of(String(n))),
        consume(async (text) => text.length),
      ),
    ).toEqualTypeOf<Stream<number>>();
    expectTypeOf(message$.pipe(map((n) => String(n)))).toEqualTypeOf<Observable<string>>();
    expectTypeOf(
      message$.pipe(
        consume((n) => of(n)),
        map((n) => String(n)),
      ),
    ).toEqualTypeOf<Observable<string>>();
    const text$ = message$.pipe(map((n) => String(n)));
    // @ts-expect-error what map gives cannot wait
    void text$.pipe(consume(async (text: string) => text));
    return NEVER;
  };
  spawn(behavior).stop();
});
