import './without-eval.ts';
import { blake2b } from '@noble/hashes/blake2.js';
import { auditLog } from '../audit/audit-log.ts';
import { cryptoReady, verifySr25519 } from '../chain/hotkey.ts';
import { AppError } from '../errors.ts';
import { factsOf } from './facts.ts';
import { fetchLog } from './fetch-log.ts';
import type { Answer, Ask } from './messages.ts';

/** How often the page is told how far the audit is. */
const PROGRESS_INTERVAL_MS = 100;

/** Nothing is known from elsewhere: whose log it is, the page shows. */
const NO_EXPECTATIONS = {
  hotkey: null,
  genesis: null,
  netuid: null,
  ownerHotkey: null,
  claims: [],
};

const CRYPTOGRAPHY = {
  verify: verifySr25519,
  blake2b256: (bytes: Uint8Array) => blake2b(bytes, { dkLen: 32 }),
};

self.addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  void audit(data.log).then(tell);
});

/** Audits the log at an address as `eirel audit log` does, in a worker, so that the page stays responsive. */
async function audit(address: string): Promise<Answer> {
  try {
    await cryptoReady();
    const verdict = await auditLog(
      fetchLog(address, { pause }),
      NO_EXPECTATIONS,
      CRYPTOGRAPHY,
      showProgress(),
    );
    return {
      kind: 'verdict',
      checkpoint: verdict.checkpoint,
      faults: verdict.faults,
      facts: factsOf(verdict),
    };
  } catch (error) {
    return { kind: 'failed', reason: reasonOf(error) };
  }
}

function showProgress(): (done: number, total: number | null) => void {
  let toldAt = 0;
  return (done, total) => {
    const now = performance.now();
    if (now - toldAt < PROGRESS_INTERVAL_MS && done !== total) return;
    toldAt = now;
    tell({ kind: 'progress', done, total });
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof AppError && error.code === 'log.unavailable') {
    const { url, found } = error.details;
    return `${String(url)} does not answer: ${String(found)}.`;
  }
  return error instanceof Error ? error.message : String(error);
}

function tell(answer: Answer): void {
  self.postMessage(answer);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
