// Socket.IO on Node: `io.emit` to everyone. Arguments as of the Python peers: `peers/audience.py`.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Server } from "socket.io";

const EXECUTION_ID = "01KAQ3M0000000000000000000";
const PADDING = "copied 4,096 rows from staging.orders to warehouse.orders"; // as in pace.py
const SETTLE_MS = 200;

const options = Object.fromEntries(["port", "rate", "seconds", "viewers", "frame-events"].map((name) => [name, { type: "string" }]));
const given = parseArgs({ options }).values;
const load = { port: Number(given.port), rate: Number(given.rate), seconds: Number(given.seconds), viewers: Number(given.viewers) };

function event(seq, kind, type, data) {
  return { execution_id: EXECUTION_ID, workflow_id: "ticker", seq, kind, type, timestamp: new Date().toISOString(), data };
}

const nowMs = () => performance.timeOrigin + performance.now();

/** Emits what is due; one that is behind lets the event loop have its turn every 256 events. */
function emit(io) {
  const startedMs = nowMs();
  const count = Math.floor(load.rate * load.seconds);
  let seq = 0;
  const turn = () => {
    for (let some = 0; some < 256 && seq < count; some += 1) {
      const dueMs = startedMs + (seq * 1000) / load.rate;
      if (dueMs > nowMs()) return void setTimeout(turn, Math.max(1, dueMs - nowMs()));
      seq += 1;
      const message = `tick ${BigInt(Math.round(dueMs * 1000)) * 1000n} ${seq}: ${PADDING}`;
      io.emit("update", event(seq, "log", "log", { level: "INFO", message }));
    }
    if (seq < count) return void setImmediate(turn);
    io.emit("update", event(seq + 1, "execution.completed", "complete", { status: "completed" }));
  };
  turn();
}

const http = createServer();
const io = new Server(http, { transports: ["websocket"] });
let arrived = 0;
io.on("connection", () => {
  arrived += 1;
  if (arrived === load.viewers) setTimeout(() => emit(io), SETTLE_MS);
});
http.listen(load.port, "127.0.0.1");
