/** Why a fetch gave no response. Peers misbehave as a matter of course, so these are values, never exceptions. */
export type FetchRefusal =
  | 'aborted' // the caller's signal, or the client was disposed
  | 'address-forbidden' // the URL leads to this machine, its network, a reserved range or a denied port
  | 'address-invalid' // not a URL that this client fetches
  | 'body-too-large'
  | 'encoding-refused' // a compressed body is never inflated
  | 'headers-too-large'
  | 'malformed-response'
  | 'peer-busy' // too much is already waiting for this peer, or for the client
  | 'redirected'
  | 'timeout'
  | 'too-slow' // below the minimum rate while the body was arriving
  | 'truncated' // the connection ended before the response did
  | 'unreachable';

export type Refused = {
  readonly kind: 'refused';
  readonly reason: FetchRefusal;
  readonly detail: string;
  /** Of `redirected`: where to, as the peer wrote it. This client does not go there. */
  readonly location?: string;
};

/** A whole response with a final status from 200 to 599 other than 3xx; what the status means is the caller's to judge. */
type Fetched = {
  readonly kind: 'ok';
  readonly status: number;
  readonly contentType: string | null;
  readonly body: Uint8Array;
  /** The body goes on: only where the caller asked for its beginning. */
  readonly cut?: true;
};

export type FetchOutcome = Fetched | Refused;

/** A refusal as a value; `detail` is for people and holds nothing that a peer wrote at length. */
export function refused(reason: FetchRefusal, detail: string): Refused {
  return { kind: 'refused', reason, detail };
}

const QUOTED_LENGTH_MAX = 80; // characters: enough to recognise a value, too few to flood a log line

/** Attacker-controlled text for a detail: JSON-quoted, so that it holds no control characters, and cut short. */
export function quote(text: string): string {
  return JSON.stringify(
    text.length > QUOTED_LENGTH_MAX ? `${text.slice(0, QUOTED_LENGTH_MAX)}…` : text,
  );
}
