/** What an operator wants to know of the connection. Addresses are without path and credentials. */
export type ConnectionState = Readonly<{
  status: 'connecting' | 'connected' | 'waiting' | 'closed';
  /** One line for people: what is connected, or why nothing is. */
  detail: string;
  /** The node that is connected, or that a handshake is under way with. */
  endpoint: string | null;
  connectedSince: number | null;
  /** Handshakes attempted, and connections lost, since the start. */
  handshakes: number;
  losses: number;
  lastError: string | null;
  /** When the next handshake is due, while it is waited for. */
  nextAttemptAt: number | null;
  resting: readonly Readonly<{ endpoint: string; until: number; why: string }>[];
}>;

export const NOT_STARTED: Omit<ConnectionState, 'resting'> = {
  status: 'waiting',
  detail: 'not connected yet',
  endpoint: null,
  connectedSince: null,
  handshakes: 0,
  losses: 0,
  lastError: null,
  nextAttemptAt: null,
};
