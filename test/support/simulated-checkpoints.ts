import { once } from 'node:events';
import type { Signer } from '#src/consensus/keys.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Checkpoints, PublishedCheckpoint } from '#src/handlers/checkpoints.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { createTree, leafOf } from '#src/merkle/tree.ts';
import type { Message } from '#src/runtime/log-store.ts';
import type { MemoryDisk } from '#src/runtime/memory-store.ts';

/**
 * The published checkpoints of a log in memory: each of its events is covered as soon as it is stored, or the
 * first `limit` of them. Roots and notes are real, under a log key that follows from the hotkey.
 */
export function simulatedCheckpoints(
  disk: MemoryDisk,
  { source, signer, limit }: { source: string; signer: Signer; limit: () => number | null },
): Checkpoints {
  const logSeed = Buffer.from(sha256(`log key of ${signer.hotkey}`), 'hex');
  let covered: readonly Message[] = [];
  let tree = createTree();
  const published = (): PublishedCheckpoint | null => {
    const messages = disk.messages.slice(0, limit() ?? disk.messages.length);
    // A test may cut or alter what is stored: then the tree is another one.
    if (covered.some((message, index) => message !== messages[index])) {
      covered = [];
      tree = createTree();
    }
    for (const { payload } of messages.slice(covered.length)) tree.append(leafOf(payload));
    covered = messages;
    if (covered.length === 0) return null;
    const [size, root] = [tree.size(), tree.root()];
    return {
      size,
      root: Buffer.from(root).toString('hex'),
      // Signing is slow, and few ask for the note.
      get note() {
        return signCheckpoint({ origin: source, size, root }, { logSeed, signer });
      },
    };
  };
  return {
    published,
    covering: async (size, signal) => {
      for (;;) {
        const newest = published();
        if (newest !== null && newest.size >= size) return newest;
        signal.throwIfAborted();
        await Promise.race([once(signal, 'abort'), once(disk.stored, 'stored')]);
      }
    },
  };
}
