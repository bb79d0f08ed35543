// graphile-worker, with the batching that its documentation recommends for speed.
import { makeWorkerUtils, run, runMigrations } from 'graphile-worker'
import { dsn, main } from './peer.mjs'

const logger = { error () {}, warn () {}, info () {}, debug () {}, scope () { return logger } }
const preset = {
  worker: {
    connectionString: dsn,
    concurrentJobs: 100,
    maxPoolSize: 10,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
    logger
  }
}

await main({
  setup: () => runMigrations({ preset }),
  async filler () {
    const utils = await makeWorkerUtils({ preset })
    return (payloads) => utils.addJobs(payloads.map((payload) => ({ identifier: 'nothing', payload })))
  },
  async submitter () {
    const utils = await makeWorkerUtils({ preset })
    return (payload) => utils.addJob('nothing', payload)
  },
  async work (meter) {
    await run({ preset, noHandleSignals: true, taskList: { nothing: async ({ submitted }) => meter.hit(submitted) } })
  }
})
