import { firstValueFrom, Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryMatchmaker } from '../../lib/adapters/matchmaker-memory/memory-matchmaker.js';
import { MemoryRegistry } from '../../lib/adapters/matchmaker-memory/memory-registry.js';
import type { Registration } from '../../lib/ports/matchmaker.js';
import { aRegistration, matchmakerContract, namesOf } from '../contracts/matchmaker.js';

matchmakerContract('the memory registry', async () => {
  const registry = new MemoryRegistry();
  return {
    nodes: [new MemoryMatchmaker(registry), new MemoryMatchmaker(registry), new MemoryMatchmaker(registry)],
    list: (node, registration) => node.register(registration),
    asTold: (registration) => registration,
    close: async () => undefined,
  };
});

describe('the memory registry', () => {
  let all: Subscription;
  let registry: MemoryRegistry;
  let node: MemoryMatchmaker;
  let log: string[];

  const note = (name: string) => ({
    next: (told: 'registered' | readonly Registration[]) =>
      void log.push(`${name} ${typeof told === 'string' ? told : `sees [${namesOf(told).join()}]`}`),
    error: (error: unknown) => void log.push(`${name} failed: ${(error as Error).message}`),
    complete: () => void log.push(`${name} completed`),
  });

  beforeEach(() => {
    all = new Subscription();
    registry = new MemoryRegistry();
    node = new MemoryMatchmaker(registry);
    log = [];
  });

  afterEach(() => {
    all.unsubscribe();
  });

  it('tells within the call that changes it', () => {
    all.add(node.watch(aRegistration()).subscribe(note('watch')));
    node.register(aRegistration()).subscribe(note('server')).unsubscribe();
    expect(log).toEqual(['watch sees []', 'watch sees [host-1]', 'server registered', 'watch sees []']);
  });

  it('fails all who use it in an outage, until it is restored', () => {
    all.add(node.watch(aRegistration()).subscribe(note('watch')));
    all.add(node.register(aRegistration()).subscribe(note('server')));
    log.length = 0;
    registry.fail('out for lunch');
    node.watch(aRegistration()).subscribe(note('late watch'));
    node.register(aRegistration()).subscribe(note('late server'));
    expect(log).toEqual([
      'watch failed: [undeliverable] out for lunch',
      'server failed: [undeliverable] out for lunch',
      'late watch failed: [undeliverable] out for lunch',
      'late server failed: [undeliverable] out for lunch',
    ]);
  });

  it('is empty after an outage, and lists who registers again', () => {
    all.add(node.register(aRegistration()).subscribe(note('server')));
    registry.fail();
    registry.restore();
    log.length = 0;
    all.add(node.watch(aRegistration()).subscribe(note('watch')));
    all.add(node.register(aRegistration()).subscribe(note('server')));
    expect(log).toEqual(['watch sees []', 'watch sees [host-1]', 'server registered']);
  });

  it('ends the entries of an incarnation that died without a word, in all topics', async () => {
    all.add(node.register(aRegistration({ incarnation: 'dead' })).subscribe());
    all.add(node.register(aRegistration({ incarnation: 'dead', topic: 'another' })).subscribe());
    all.add(node.register(aRegistration({ incarnation: 'alive', server: 'host-2' })).subscribe());
    registry.expire('dead');
    expect(namesOf(await firstValueFrom(node.watch(aRegistration())))).toEqual(['host-2']);
    expect(await firstValueFrom(node.watch(aRegistration({ topic: 'another' })))).toEqual([]);
  });

  it('tells everyone of the newest set last where someone who is told changes it', () => {
    const addSecond = (set: readonly Registration[]): void => {
      if (namesOf(set).join() === 'host-1') all.add(node.register(aRegistration({ server: 'host-2' })).subscribe());
    };
    all.add(node.watch(aRegistration()).subscribe(addSecond));
    all.add(node.watch(aRegistration()).subscribe(note('watch')));
    all.add(node.register(aRegistration()).subscribe());
    expect(log).toEqual(['watch sees []', 'watch sees [host-1,host-2]']);
  });
});
