import { firstValueFrom, from, type Observable } from 'rxjs';
import type { ActorStatus } from '../../actors/actor.js';
import { SkeinError } from '../../core/errors.js';
import type { Node } from '../../node/node.js';
import type { Registration } from '../../ports/matchmaker.js';
import type { Peer } from '../../ports/transport.js';
import type { Client } from '../../rpc/client.js';
import type { Contract } from '../../rpc/contract.js';
import { checkDrain, type DrainOptions } from '../../rpc/drain.js';
import type { DrainReport } from '../../rpc/drain-report.js';
import type { Handlers } from '../../rpc/handlers.js';
import type { ClientOptions } from '../../rpc/options.js';
import type { Undeliverable } from '../../rpc/receipt.js';
import type { Served, ServeOptions } from '../../rpc/services.js';
import type { Timetable } from '../marbles/timetable.js';
import { deputyOf } from './deputy.js';
import { readDirectoryFault, readNodeFault } from './faults.js';
import type { Member } from './member.js';

/**
 * A node of a simulation, whichever run of it is up: clients of it wait until it is, and fail `closed` where it is down. What
 * belongs to one run (servers, actors, timers) is its program's.
 */
export interface SimNode extends Node {
  /**
   * What goes wrong with it, as a diagram: `k` kills it as by SIGKILL, `s` starts it again, `p` pauses it as by SIGSTOP and `r` resumes
   * it, `q` drains it, after which it has ended, `j5s` has its clock jump, `j<5s` back.
   */
  faults(marbles: string): this;
  /** What becomes of the directory as this node sees it: `x` out of reach, `o` back; `f` frozen, so that it tells of no change, `t` thawed. */
  directory(marbles: string): this;
  kill(): void;
  /** Resolves once its program has done what it does at first. */
  start(): Promise<void>;
  pause(): void;
  resume(): void;
}

export class DeputyNode implements SimNode {
  readonly #member: Member;
  readonly #timetable: Timetable;

  constructor(member: Member, timetable: Timetable) {
    this.#member = member;
    this.#timetable = timetable;
  }

  get id(): string {
    return this.#member.node.id;
  }

  get name(): string {
    return this.#member.name;
  }

  get url(): string {
    return this.#member.node.url;
  }

  get peers$(): Observable<readonly Peer[]> {
    return this.#member.follow((node) => node.peers$);
  }

  get servers$(): Observable<readonly Registration[]> {
    return this.#member.follow((node) => node.servers$);
  }

  get tree$(): Observable<ActorStatus> {
    return this.#member.follow((node) => node.tree$);
  }

  get undeliverable$(): Observable<Undeliverable> {
    return this.#member.follow((node) => node.undeliverable$);
  }

  get spawn(): Node['spawn'] {
    return this.#member.node.spawn;
  }

  counters(): ReadonlyMap<string, number> {
    return this.#member.node.counters();
  }

  serve<C extends Contract>(contract: C, handlers: Handlers<C>, options?: ServeOptions<C>): Promise<Served> {
    return this.#ask(`serve ${contract.name}`, (node) => node.serve(contract, handlers, options));
  }

  client<C extends Contract>(contract: C, options?: ClientOptions): Client<C> {
    return deputyOf(this.#member, contract, options);
  }

  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    checkDrain(options);
    return this.#leave((node) => node.drain(options));
  }

  close(): Promise<void> {
    return this.#leave((node) => node.close());
  }

  /** As of a process that is gone: there is nothing left of it to dispose of. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#member.isDown) await this.drain();
  }

  faults(marbles: string): this {
    this.#timetable.faults(marbles, readNodeFault, (fault) => fault(this.#member));
    return this;
  }

  directory(marbles: string): this {
    this.#timetable.faults(marbles, readDirectoryFault, (fault) => {
      fault(this.#member);
    });
    return this;
  }

  kill(): void {
    this.#member.kill();
  }

  start(): Promise<void> {
    return this.#member.start();
  }

  pause(): void {
    this.#member.pause();
  }

  resume(): void {
    this.#member.resume();
  }

  /** The host is down then, and can be started again. */
  async #leave<T>(go: (node: Node) => Promise<T>): Promise<T> {
    if (!this.#member.isUp) await this.#ask('leave', () => Promise.resolve());
    const left = await this.#member.leave(go);
    if (!left) throw new SkeinError('closed', { what: `node ${this.name}` }, { ran: 'unknown' });
    return left.said;
  }

  #ask<T>(what: string, ask: (node: Node) => Promise<T>): Promise<T> {
    return firstValueFrom(
      this.#member.ask(what, (node) => from(ask(node))),
      { defaultValue: undefined as T },
    );
  }
}
