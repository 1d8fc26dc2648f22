import { concat, defer, EMPTY, filter, firstValueFrom, map, merge, of, onErrorResumeNextWith, Subject } from 'rxjs';
import { bounded, channel, contract, createNode, typed } from 'skein';

interface Said {
  readonly by: string;
  readonly text: string;
}

/** What one says goes in, and what all say comes out, for as long as one is in the room. */
const Chat = contract('chat', '1.0', {
  join: channel<string, Said, { readonly name: string }>({ open: typed<{ readonly name: string }>() }),
});

await using server = await createNode('zmq+memory://chat');
const said$ = new Subject<Said>();
await server.serve(Chat, {
  join: (text$, { open: { name } }) => {
    const own$ = text$.pipe(map((text) => ({ by: name, text })));
    const leaves$ = of({ by: 'room', text: `${name} leaves` });
    // However one leaves.
    concat(own$.pipe(onErrorResumeNextWith()), leaves$).subscribe((said) => {
      said$.next(said);
    });
    const joins$ = defer(() => {
      said$.next({ by: 'room', text: `${name} joins` });
      return EMPTY;
    });
    // Who does not read for long misses what was said first.
    return bounded(merge(said$, joins$), { overflow: 'drop-oldest', max: 100 });
  },
});

/** Someone in the room: says what is put into `says$`, and shows what comes. */
const join = async (name: string) => {
  const node = await createNode('zmq+memory://chat');
  const says$ = new Subject<string>();
  const heard$ = new Subject<Said>();
  const talking = node
    .client(Chat)
    .join(bounded(says$, { overflow: 'fail' }), { open: { name } })
    .subscribe(heard$);
  heard$.subscribe(({ by, text }) => {
    console.log(`${name} hears ${by}: ${text}`);
  });
  const hears = (wanted: string) => firstValueFrom(heard$.pipe(filter(({ text }) => text === wanted)));
  const leave = async (): Promise<void> => {
    talking.unsubscribe();
    await node.close();
  };
  await hears(`${name} joins`);
  return { says$, hears, leave };
};

const ann = await join('ann');
const annSeesBob = ann.hears('bob joins');
const bob = await join('bob');
await annSeesBob;
const both = (text: string) => Promise.all([ann.hears(text), bob.hears(text)]);
const greeted = both('hello');
ann.says$.next('hello');
await greeted;
const answered = both('hello, ann');
bob.says$.next('hello, ann');
await answered;
const left = ann.hears('bob leaves');
await bob.leave();
await left;
await ann.leave();
