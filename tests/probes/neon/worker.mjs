// A Worker that runs jobs on its database through the real driver. A request names the job.
import { connect } from "cloudflare:sockets";
import { Client, Pool, neon, neonConfig } from "./neon.mjs";

const text = { types: { getTypeParser: () => (cell) => cell }, arrayMode: true, fullResults: true };
const fields = [
  ...["name", "message", "severity", "code", "detail", "hint", "position", "internalPosition", "internalQuery", "where"],
  ...["schema", "table", "column", "dataType", "constraint", "file", "line", "routine"],
];

const jobs = {
  // one query, or a batch, with every cell as Postgres wrote it
  query: (sql, { query, params }) => sql.query(query, params, text),
  batch: (sql, { queries, options }) =>
    sql.transaction(queries.map(({ query, params }) => sql.query(query, params, text)), options),

  // the driver's ways to query, with its own parsers
  tagged: (sql) => sql`SELECT ${1}::int AS n, ${"it's"} AS s, ${null}::text AS nothing`,
  uncast: (sql) => sql`SELECT ${1} AS n, ${true} AS b, ${{ x: "y" }} AS o, ${["a", "b"]} AS a, ${undefined} AS u`,
  bigint: (sql) => sql`SELECT ${9007199254740993n}::int8 AS n`,
  composed: (sql) => sql`SELECT ${sql.unsafe('"generate_series"')} ${sql`FROM generate_series(${1}::int, ${sql`3`})`}`,
  date: (sql) => sql`SELECT ${new Date(0)}::timestamptz AS at, ${new Date(0)}::timestamptz::text AS said`,
  bytes: (sql) => sql`SELECT ${new Uint8Array([0, 65, 255])} AS b`,
  bytesPlain: (sql) => sql.query("SELECT $1 AS b", [new Uint8Array([65, 66, 67])]),
  arrays: (sql) => sql`SELECT ${[1, null, 3]}::int[] AS n, ${[[2], [4]]}::int[][] AS deep, ${['"', "\\", "NULL", ""]}::text[] AS t`,
  json: (sql) => sql`SELECT ${{ a: [1, 'ü"'] }}::jsonb AS b, ${JSON.stringify([1, 2])}::json AS j`,
  kinds: (sql) => sql`SELECT 1::int2 AS i2, 2::int4 AS i4, 3::int8 AS i8, 1.50::numeric AS n, 0.1::float8 AS f,
    'NaN'::float8 AS nan, '-Infinity'::float4 AS low, true AS yes, '\\x00ff'::bytea AS b, '{1,2}'::int8[] AS a8`,
  twice: (sql) => sql`SELECT 1 AS a, 2 AS a`,
  rows: (sql) => sql.query("SELECT 1 AS a, 2 AS a", [], { arrayMode: true }),
  full: (sql) => sql.query("SELECT 'x'::varchar(7) AS v", [], { fullResults: true }),
  fullByOption: (sql, _, url) => neon(url, { fullResults: true, arrayMode: true })`SELECT 1 AS n`,
  transaction: (sql) => sql.transaction([sql`SELECT ${1}::int AS n`, sql.query("SELECT $1 AS s", ["two"])]),
  transactionFunction: (sql) => sql.transaction((tx) => [tx`SELECT 1 AS n`], { isolationLevel: "Serializable", readOnly: true }),
  transactionMixed: (sql) => sql.transaction((tx) => [tx`SELECT 1 AS n`, tx.query("SELECT 2 AS n", [], { arrayMode: true })]),
  transactionEmpty: (sql) => sql.transaction([]),
  poolByFetch: async (sql, _, url) => {
    neonConfig.poolQueryViaFetch = true;
    const { rows, command, rowCount } = await new Pool({ connectionString: url }).query("SELECT $1::int AS n", [5]);
    neonConfig.poolQueryViaFetch = false;
    return { rows, command, rowCount };
  },
  together: async (sql, { count }) =>
    (await Promise.all(Array.from({ length: count }, (_, n) => sql`SELECT ${n}::int AS n, pg_sleep(0.01)`))).map(([row]) => row.n),
  echo: async (sql, { query }) => (await sql`SELECT ${query} AS said`)[0].said === query,

  // requests that the outbound service does not support, or refuses
  aborted: (sql) => sql.query("SELECT pg_sleep(600)", [], { fetchOptions: { signal: AbortSignal.timeout(200) } }),
  token: (sql, _, url) => neon(url.replace(/:[^:@]*@/, "@"), { authToken: "header.payload.signature" })`SELECT 1`,
  pool: async (sql, _, url) => new Pool({ connectionString: url, connectionTimeoutMillis: 5000 }).query("SELECT 1"),
  client: async (sql, _, url) => new Client(url).connect(),
  socket: async (sql, _, url) => {
    const opened = connect({ hostname: new URL(url).hostname, port: 5432 });
    await opened.opened;
    return "opened";
  },
  fetch: async (sql, { address, init }) => {
    const response = await fetch(address, init);
    return [response.status, await response.text()];
  },
};

// JSON cannot represent these numbers
const replace = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? `number ${value}` : value);

export default {
  async fetch(request, env) {
    const { job, url = env.DATABASE_URL, ...input } = await request.json();
    let said;
    try {
      said = { value: await jobs[job](neon(url), input, url) };
    } catch (error) {
      said = { error: Object.fromEntries(fields.map((field) => [field, error[field]])) };
    }
    return new Response(JSON.stringify(said, replace));
  },
};
