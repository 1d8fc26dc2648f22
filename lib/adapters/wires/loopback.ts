const loopback = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])$/;

/** Whether a host, as it stands in an address, can only be this one. */
export const isLoopback = (host: string): boolean => loopback.test(host);
