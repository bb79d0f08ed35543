// pg-boss: large batches, the next one at once after a full one, woken by NOTIFY.
import { PgBoss } from 'pg-boss'
import { dsn, main } from './peer.mjs'

const QUEUE = 'nothing'

async function started () {
  const boss = new PgBoss({ connectionString: dsn, useListenNotify: true })
  boss.on('error', (error) => console.error(String(error)))
  await boss.start()
  return boss
}

await main({
  async setup () {
    const boss = await started()
    await boss.createQueue(QUEUE, { notify: true })
    await boss.stop({ graceful: false })
  },
  async filler () {
    const boss = await started()
    return (payloads) => boss.insert(QUEUE, payloads.map((data) => ({ data })))
  },
  async submitter () {
    const boss = await started()
    return (data) => boss.send(QUEUE, data)
  },
  async work (meter) {
    const boss = await started()
    const options = { batchSize: 2000, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true }
    await boss.work(QUEUE, options, async (jobs) => { for (const job of jobs) meter.hit(job.data.submitted) })
  }
})
