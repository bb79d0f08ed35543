// What all peers in Node have in common: verbs, and the meter that meter.py reads.
//   node PEER.mjs setup | fill N | single N GAP_MS | work     with BENCH_DSN, BENCH_METER and BENCH_GO
import fs from 'node:fs'
import { setTimeout as rest } from 'node:timers/promises'

export const dsn = process.env.BENCH_DSN

const FLUSH_MS = 5
const GO_LOOK_MS = 1
const LOADED = -1n
const FILLED_AT_ONCE = 1000

class Meter {
  #file = fs.openSync(process.env.BENCH_METER, 'w')
  #waitsPath = process.env.BENCH_METER + '.waits'
  #waits = []
  #began = 0n
  #count = 0
  #told = -1

  async begin () {
    this.#write(LOADED)
    while (!fs.existsSync(process.env.BENCH_GO)) await rest(GO_LOOK_MS)
    this.#began = process.hrtime.bigint()
    setInterval(() => this.#flush(), FLUSH_MS)
  }

  hit (submitted) {
    this.#count += 1
    if (submitted !== '0') this.#waits.push(process.hrtime.bigint() - BigInt(submitted))
  }

  #flush () {
    if (this.#told !== this.#count) {
      this.#told = this.#count
      this.#write(this.#began)
    }
    if (this.#waits.length > 0) {
      fs.appendFileSync(this.#waitsPath, Buffer.from(new BigInt64Array(this.#waits).buffer))
      this.#waits = []
    }
  }

  #write (began) {
    fs.writeSync(this.#file, new BigInt64Array([began, BigInt(this.#count)]), 0, 16, 0)
  }
}

// peer: setup(), work(meter), and two that connect: filler() gives what takes many payloads, submitter() one
export async function main (peer) {
  const [verb, count, gap] = process.argv.slice(2)
  if (verb === 'setup') await peer.setup()
  if (verb === 'fill') {
    const put = await peer.filler()
    for (let left = Number(count); left > 0; left -= FILLED_AT_ONCE) {
      await put(Array.from({ length: Math.min(left, FILLED_AT_ONCE) }, () => ({ submitted: '0' })))
    }
  }
  if (verb === 'single') {
    const put = await peer.submitter()
    for (let n = 0; n < Number(count); n++) {
      await put({ submitted: String(process.hrtime.bigint()) })
      await rest(Number(gap))
    }
  }
  if (verb === 'work') {
    process.on('SIGTERM', () => process.exit(0))
    const meter = new Meter()
    await meter.begin()
    await peer.work(meter)
    return
  }
  process.exit(0)
}
