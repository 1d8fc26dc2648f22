import { concat, defer, NEVER, type Observable, of, throwError } from 'rxjs';
import { expect, it } from 'vitest';
import { invalidArgument, SkeinError } from '../../lib/core/errors.js';
import { Directory } from '../../lib/mesh/directory.js';
import { Matchmaker } from '../../lib/ports/matchmaker.js';
import { MeshWorld, registrationOf } from './mesh-world.js';

const refused = throwError(() => invalidArgument('it lists no such server'));
const failed = throwError(() => new SkeinError('undeliverable', { reason: 'it cannot be reached' }));
const listed: Observable<'registered'> = concat(of('registered' as const), NEVER);

/** Answers each attempt to register, or to watch, with the next of these. */
class Scripted extends Matchmaker {
  readonly #attempts: Observable<'registered'>[];

  constructor(...attempts: Observable<'registered'>[]) {
    super();
    this.#attempts = attempts;
  }

  get left(): number {
    return this.#attempts.length;
  }

  override register(): Observable<'registered'> {
    return defer(() => this.#attempts.shift() ?? NEVER);
  }

  override watch(): Observable<never> {
    return this.register() as Observable<never>;
  }

  override watchAll(): Observable<never> {
    return this.watch();
  }
}

const setUp = (...attempts: Observable<'registered'>[]) => {
  const world = new MeshWorld();
  const { ports, root, logger } = world.ports('a');
  const matchmaker = new Scripted(...attempts);
  const directory = new Directory(root, { ...ports, matchmaker });
  const told: unknown[] = [];
  const tell = { next: (value: unknown) => told.push(value), error: (error: unknown) => told.push(error) };
  return { clock: world.sim.clock, leaseMs: ports.identity.leaseMs, logger, matchmaker, directory, told, tell };
};

it('tells whoever serves why the matchmaker refuses it, and does not try again', async () => {
  const { clock, matchmaker, directory, told, tell } = setUp(refused, listed);
  directory.register(registrationOf('a')).subscribe(tell);
  await clock.advance(60_000);
  expect(told).toMatchObject([{ code: 'invalid-argument' }]);
  expect(matchmaker.left).toBe(1);
});

it('registers once the matchmaker can be reached', async () => {
  const { clock, directory, told, tell } = setUp(failed, failed, listed);
  directory.register(registrationOf('a')).subscribe(tell);
  await clock.advance(60_000);
  expect(told).toEqual(['registered']);
});

it('keeps a server that was listed, with a warning for each time that it is refused later, until it is listed again', async () => {
  const { clock, logger, directory, told, tell } = setUp(concat(of('registered' as const), refused), refused, listed);
  directory.register(registrationOf('a')).subscribe(tell);
  await clock.advance(60_000);
  expect(told).toEqual(['registered', 'registered']);
  expect(logger.at('warn')).toHaveLength(2);
});

it('watches all topics on through outages, and tells what it was told before', async () => {
  const set = [registrationOf('a'), registrationOf('b')];
  const { clock, matchmaker, directory, told, tell } = setUp(
    concat(
      of(set as unknown as 'registered'),
      throwError(() => new SkeinError('undeliverable', { reason: 'lost' })),
    ),
    failed,
    concat(of([] as unknown as 'registered'), NEVER),
  );
  directory.watchAll().subscribe(tell);
  await clock.advance(60_000);
  expect(told).toEqual([
    { registrations: set, isStale: false },
    { registrations: set, isStale: true },
    { registrations: set, isStale: true },
    { registrations: [], isStale: false },
  ]);
  expect(matchmaker.left).toBe(0);
});

it('watches on whatever the matchmaker says', async () => {
  const { clock, matchmaker, directory, told, tell } = setUp(refused, failed);
  directory.watch(registrationOf('a')).subscribe(tell);
  await clock.advance(60_000);
  expect(told).toEqual([]);
  expect(matchmaker.left).toBe(0);
});

it('looks for the matchmaker as often as entries are renewed, however long it has been out of reach', async () => {
  const { clock, directory, matchmaker, leaseMs, told, tell } = setUp(...Array.from({ length: 200 }, () => failed), listed);
  directory.register(registrationOf('a')).subscribe(tell);
  await clock.advance(120_000);
  for (let i = 0; i < 10; i += 1) {
    const before = matchmaker.left;
    await clock.advance(leaseMs / 3);
    expect(matchmaker.left).toBeLessThan(before);
  }
  expect(told).toEqual([]);
});
