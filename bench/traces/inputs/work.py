# Documents to JSON and back, an index of them, and strings that grow.
import json
import random

random.seed(1)
rows = [
    {
        "id": i,
        "name": "user%d" % random.randrange(10**9),
        "tags": [str(random.randrange(1000)) for _ in range(random.randrange(8))],
        "score": random.random(),
        "text": " ".join("w%d" % random.randrange(5000) for _ in range(random.randrange(40))),
    }
    for i in range(40000)
]
text = json.dumps(rows)
back = json.loads(text)
index = {}
for row in back:
    for word in row["text"].split():
        index.setdefault(word, set()).add(row["id"])
for row in back[::3]:
    row["note"] = row["name"] * random.randrange(1, 20)
    row["tags"].clear()
ordered = sorted(back, key=lambda row: (len(row["text"]), row["name"]))
print(len(text), len(index), ordered[-1]["id"])
