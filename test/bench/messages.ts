/** What harness and workers tell each other. */

/** What a worker is to be. */
export interface Role {
  readonly bench: 'call' | 'scattered' | 'rate' | 'mixed' | 'payload' | 'cast' | 'fanout' | 'stream' | 'upload';
  /** `zeromq-acks` is of fanouts only: each server tells of each message that it has it, as Skein's do. */
  readonly system: 'skein' | 'zeromq' | 'zeromq-acks' | 'moleculer' | 'nats' | 'rabbitmq' | 'grpc' | 'net' | 'libzmq';
  readonly side: 'server' | 'client';
  /** As it is by default; or with a setting of Skein's, where all other systems are as on `tcp` and `ipc`. */
  readonly network: 'tcp' | 'ipc' | 'zmtp-tcp' | 'zmtp-ipc' | 'zmq-tcp' | 'zmq-ipc';
  /** A folder of this pair's own. */
  readonly folder: string;
  /** Where the side that was started before listens; to the first one, where what it needs is. */
  readonly address: string;
  /** How many there are in the server's process. */
  readonly servers: number;
  readonly payloadBytes: number;
}

export type Order =
  | { readonly do: 'start'; readonly role: Role }
  | { readonly do: 'meet'; readonly address: string }
  | { readonly do: 'measure'; readonly window: number; readonly seconds: number }
  | { readonly do: 'usage' }
  | { readonly do: 'health' }
  | { readonly do: 'end' };

export interface Figures {
  readonly opsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of what begins at a rate. */
  readonly worstUs?: number;
}

export type Report =
  | { readonly is: 'started'; readonly address: string }
  | { readonly is: 'met' }
  | ({ readonly is: 'measured' } & Figures)
  | { readonly is: 'usage'; readonly rssBytes: number; readonly cpuUs: number }
  | { readonly is: 'health'; readonly heapBytes: number; readonly rssBytes: number; readonly loopP99Ms: number }
  | { readonly is: 'failed'; readonly error: string };

/** A worker's work: ready to be measured, again and again. */
export interface Job {
  readonly address: string;
  /** Waits until the other side is there, where that was started later. */
  readonly meet?: (address: string) => Promise<void>;
  /** Keeps `window` operations under way for so long, validating each answer; of uploads it times the calls beside them, and a rate has so many begin each second. */
  readonly measure?: (window: number, seconds: number) => Promise<Figures>;
  readonly end: () => Promise<void> | void;
}

/** How a system is measured: both sides of one pair. */
export interface System {
  serve(role: Role): Job | Promise<Job>;
  connect(role: Role): Job | Promise<Job>;
}

/** What every call sends and gets back, where its size is not what matters. */
export const callPayload = { a: 1, b: 'hello' };

export type Payload = typeof callPayload | Uint8Array;

export const payloadOf = ({ bench, payloadBytes }: Pick<Role, 'bench' | 'payloadBytes'>): Payload =>
  bench === 'payload' ? new Uint8Array(payloadBytes).fill(7) : callPayload;

export const isSame = (reply: Payload, sent: Payload): boolean =>
  sent instanceof Uint8Array
    ? reply instanceof Uint8Array && reply.byteLength === sent.byteLength && reply[0] === 7 && reply.at(-1) === 7
    : !(reply instanceof Uint8Array) && reply.a === sent.a && reply.b === sent.b;

/** One call of a system's. */
export type Call = (payload: Payload, done: (reply: Payload) => void, fail: (error: unknown) => void) => void;

/** What every upload sends in all, in pieces of a role's `payloadBytes`. */
export const uploadBytes = 64 * 2 ** 20;

/** Where a node of Skein's is that has such a role. */
export const nodeUrl = ({ folder, network }: Pick<Role, 'folder' | 'network'>): string => {
  const [setting] = network.split('-');
  const query = [
    ...(isTcp(network) ? ['bind=tcp://127.0.0.1:*'] : []),
    ...(setting === network ? [] : [`network=${String(setting)}`]),
  ];
  return `zmq+local://${folder}${query.length > 0 ? `?${query.join('&')}` : ''}`;
};

export const isTcp = (network: Role['network']): boolean => network.endsWith('tcp');
