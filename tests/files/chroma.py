# Wrote the folders in chroma-*.tar.gz, with the chromadb of that version from PyPI:
#   python -m venv v && v/bin/pip install chromadb==1.5.9 && v/bin/python chroma.py chroma && tar czf chroma-1.5.9.tar.gz chroma
# Records in the segment's files, records still in the queue, one that was deleted, one that was changed, and a collection
# of another embedder.
import random, shutil, sys, chromadb
from chromadb.config import Settings
random.seed(5)
out=sys.argv[1]
shutil.rmtree(out, ignore_errors=True)
c = chromadb.PersistentClient(path=out, settings=Settings(anonymized_telemetry=False))
col = c.get_or_create_collection("reasoning_memories", metadata={"hnsw:space":"cosine","hnsw:sync_threshold":10,"hnsw:batch_size":5})
for s in range(0,27,3):
    ids=[f"mem-{i}" for i in range(s,s+3)]
    col.add(ids=ids, embeddings=[[float(i+1) if k==i else (0.25 if k==383 else 0.0) for k in range(384)] for i in range(s,s+3)],
      documents=[f"Content of {i}" for i in range(s,s+3)],
      metadatas=[{"trace_id":f"trace-{i//3}","title":f"Title {i}","description":f"About {i}","pattern_tags":'["a","b"]',"domain_category":"cards","outcome":"failure" if i%2 else "success",**({"error_context":'{"error_type":"wrong"}'} if i%2 else {})} for i in range(s,s+3)])
col.delete(ids=["mem-4"])
col.update(ids=["mem-5"], documents=["Changed content of 5"], embeddings=[[1.0 if k==200 else 0.0 for k in range(384)]])
other = c.get_or_create_collection("wide")
other.add(ids=["w-1","w-2"], embeddings=[[0.1]*16,[0.2]*16], documents=["Wide one","Wide two"])
print(chromadb.__version__, col.count())
