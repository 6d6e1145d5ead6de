import { z } from 'zod';
import { nanoUsdOf } from '../evaluation/usd.ts';

const Figure = z.coerce.number({
  error: ({ code }) => (code === 'invalid_type' ? 'a number' : undefined),
});
const Port = Figure.int().min(0).max(65_535);
const Quota = Figure.int().min(1).max(100_000);
/** In USD, as integer nano-USD. */
const Price = Figure.min(0).max(1_000).transform(nanoUsdOf);
const KeyFile = z.string().min(1).optional();

/** The four tools that a validator offers to its miners. */
export const toolSettings = {
  EIREL_WEB_SEARCH_PORT: Port.default(8_085).describe('the port of `eirel tools web-search`'),
  EIREL_URL_FETCH_PORT: Port.default(8_087).describe('the port of `eirel tools url-fetch`'),
  EIREL_RAG_PORT: Port.default(8_088).describe('the port of `eirel tools rag`'),
  EIREL_SANDBOX_PORT: Port.default(8_091).describe('the port of `eirel tools sandbox`'),
  EIREL_WEB_SEARCH_MAX_REQUESTS: Quota.default(12).describe('searches and pages for one job'),
  EIREL_URL_FETCH_MAX_REQUESTS: Quota.default(12).describe('pages fetched for one job'),
  EIREL_RAG_MAX_REQUESTS: Quota.default(30).describe('retrievals for one job'),
  EIREL_SANDBOX_MAX_REQUESTS: Quota.default(12).describe('programs run for one job'),
  EIREL_WEB_SEARCH_PER_QUERY_COST_USD: Price.default(3_000_000).describe(
    'what one search costs a job, in USD',
  ),
  EIREL_URL_FETCH_PER_CALL_COST_USD: Price.default(500_000).describe(
    'what one fetched page costs a job, in USD',
  ),
  EIREL_SANDBOX_PER_EXECUTION_COST_USD: Price.default(0).describe(
    'what one program costs a job, in USD',
  ),
  EIREL_SANDBOX_CONCURRENCY: Figure.int()
    .min(1)
    .max(64)
    .default(2)
    .describe('programs that run at once; others wait'),
  EIREL_BRAVE_SEARCH_API_KEY_FILE: KeyFile.describe(
    'a file that holds a key of Brave Search; asked first',
  ),
  EIREL_SERPER_API_KEY_FILE: KeyFile.describe(
    'a file that holds a key of Serper; asked where the one before does not answer',
  ),
  EIREL_TAVILY_API_KEY_FILE: KeyFile.describe(
    'a file that holds a key of Tavily; asked where those before do not answer',
  ),
  EIREL_WEB_SEARCH_CORPUS: z
    .string()
    .min(1)
    .optional()
    .describe('a JSON file with documents that are searched where no provider of searches answers'),
  EIREL_FETCH_ADDRESSES: z
    .enum(['public', 'loopback'])
    .default('public')
    .describe(
      '`loopback` also lets tools fetch pages from this machine: development only, miners reach whatever listens here',
    ),
};
