// A token in the address after the # is exchanged for a ticket that is good for a minute; what cannot be shown is told.
(async () => {
  const text = document.querySelector("p")
  const query = new URLSearchParams(location.search)
  const host = query.get("host") ?? "*"
  const tell = (message) => {
    text.textContent = message
    if (window.parent !== window) window.parent.postMessage({source: "sales-view", kind: "refused", message}, host)
  }
  const token = new URLSearchParams(location.hash.slice(1)).get("token")
  const is_new = !query.has("ticket") || document.body.dataset.expired === "yes"
  if (!token || !is_new) return tell(text.textContent)
  try {
    const answer = await fetch("exchange", {method: "POST", headers: {Authorization: `Bearer ${token}`}})
    const told = await answer.json()
    if (!told.ticket) return tell(told.message)
    query.delete("signed")
    query.set("ticket", told.ticket)
    location.replace(`?${query}${location.hash}`)
  } catch {
    tell("The sales dashboard cannot be reached.")
  }
})()
