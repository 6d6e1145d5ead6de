/** How far a log had got: its size, and the root of its Merkle tree in 64 hex digits. */
export type SizedRoot = Readonly<{ size: number; root: string }>;
