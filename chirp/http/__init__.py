"""What the front ends share: who asks, bodies, refusals as answers, paging, the pipeline."""
