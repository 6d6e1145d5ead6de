/** What an auditor may find wrong, from the bytes outwards; docs/auditing.md says what each means. */
export const FAULT_CODES = [
  'checkpoint-malformed',
  'checkpoint-other-log',
  'checkpoint-signature',
  'entries-missing',
  'entries-malformed',
  'entry-altered',
  'event-malformed',
  'event-foreign',
  'chain-broken',
  'event-invalid',
  'tile-missing',
  'tile-altered',
  'root-differs',
  'start-invalid',
  'event-unknown',
  'order-broken',
  'signature-invalid',
  'seal-missing',
  'seal-broken',
  'seal-unopened',
  'score-invalid',
  'evaluation-broken',
  'composite-differs',
  'score-unfounded',
  'ledger-differs',
  'report-differs',
  'commitment-differs',
  'anchor-differs',
  'chain-differs',
  'evidence-invalid',
  'inputs-differ',
  'reports-differ',
  'decision-differs',
  'certificate-differs',
  'weights-differ',
  'divergence-differs',
  'gate-differs',
  'accused',
  'log-forked',
  'log-truncated',
] as const;
export type FaultCode = (typeof FAULT_CODES)[number];

/** One thing that is not as it has to be, and the exact place. */
export type Fault = Readonly<{
  code: FaultCode;
  /** Index of the event that it is about; null for what is about no event. */
  index: number | null;
  /** The file, block or log that shows it, where that is not the event itself. */
  where: string | null;
  expected: string;
  found: string;
}>;

/** So many are told: what follows from the first ones says nothing new. */
export const MAX_FAULTS = 32;

/** Gathers faults. */
export type Faults = Readonly<{
  add: (fault: Omit<Fault, 'where'> & Partial<Pick<Fault, 'where'>>) => void;
  list: () => readonly Fault[];
  /** As many as are told: looking on is of no use. */
  full: () => boolean;
}>;

/** An empty collection of faults, of at most `MAX_FAULTS`. */
export function gatherFaults(): Faults {
  const list: Fault[] = [];
  return {
    add: ({ where = null, ...fault }) => {
      if (list.length < MAX_FAULTS) list.push({ ...fault, where });
    },
    list: () => list,
    full: () => list.length >= MAX_FAULTS,
  };
}
