/** Where a socket connects or binds, as ZeroMQ takes it. */
export interface Endpoint {
  readonly endpoint: string;
  readonly isIpv6: boolean;
  /** The socket's file, of ipc. */
  readonly path?: string;
}
