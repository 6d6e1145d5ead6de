import { WebSocket } from 'ws';

type Answer = Readonly<{
  result?: unknown;
  error?: { code: number; message: string; data?: string };
}>;
type Message = Answer & Readonly<{ id?: unknown; method?: string; params?: unknown }>;

/** A WebSocket client that takes JSON-RPC as it is, good or bad. */
export async function connectRpc(url: string) {
  const socket = new WebSocket(url);
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((look) => look());
  let closeCode: number | null = null;
  let fault = new Error('no connection');
  socket.on('message', (data: Buffer) => {
    // safe: the devchain writes JSON-RPC; what it is exactly is what the tests look at
    messages.push(JSON.parse(data.toString()) as Message);
    wake();
  });
  socket.on('close', (code) => {
    closeCode = code;
    wake();
  });
  socket.on('error', (error) => {
    fault = error;
    socket.terminate();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve).once('close', () => reject(fault));
  });

  /** The first message that matches, as soon as it is there; null when the connection ends before. */
  const message = (matches: (message: Message) => boolean): Promise<Message | null> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = messages.find(matches);
        if (found === undefined && closeCode === null) return;
        waiting.delete(look);
        resolve(found ?? null);
      };
      waiting.add(look);
      look();
    });
  let calls = 0;
  return {
    messages,
    message,
    sendText: (text: string): void => socket.send(text),
    /** Reads nothing any more. */
    pause: (): void => socket.pause(),
    /** Null when the connection ends before the answer. */
    call: (method: string, ...params: readonly unknown[]): Promise<Answer | null> => {
      calls += 1;
      const id = `call-${calls}`;
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      return message((answer) => answer.id === id);
    },
    /** The results of a subscription so far. */
    notified: (subscription: unknown): readonly unknown[] =>
      messages.flatMap(({ params }) => {
        // safe: as above
        const of = params as { subscription?: unknown; result?: unknown } | undefined;
        return of?.subscription === subscription ? [of?.result] : [];
      }),
    closed: async (): Promise<number | null> => {
      await message(() => false);
      return closeCode;
    },
    [Symbol.asyncDispose]: async () => {
      if (closeCode !== null) return;
      socket.close();
      await message(() => false);
    },
  };
}
